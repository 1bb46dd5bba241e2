"""Importing a file of collected tokens (the specification's "CSV import").

In the order of the work: :mod:`sources` opens the file, :mod:`layout` detects its format, :mod:`rows` reads
its rows and :mod:`columns` maps its columns; :mod:`plan` has the person's choices and :mod:`checking` checks
them; :mod:`batch` applies the rules to rows, :mod:`execution` works in small steps, :mod:`report` counts and
:mod:`problem` has the texts. :mod:`jobs` keeps the imports of a server.
"""
