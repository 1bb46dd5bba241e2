"""What the emulator costs: measured against a bare Flask on the same server, and against its peers.

``python -m benchmarks`` runs everything that needs no other software; ``--peers`` installs and measures the
peers too.
"""
