"""What the documentation says, and nothing else: no HTTP, no storage, no clock of its own.

The way in is :func:`emulator.rules.decide.decide`. Every rule is one function or one branch that
carries its id (``# M4``); :mod:`emulator.rules.catalogue` has the text and the grade of each.
"""
