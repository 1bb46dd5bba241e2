"""Importing a file of collected tokens (the specification's "CSV import").

In the order of the work: :mod:`sources` opens the file, :mod:`encoding` and :mod:`dialect` say how to read
it, :mod:`columns` guesses what is in it, :mod:`plan` is what the person chose and :mod:`checking` whether it
can be carried out, :mod:`rows` streams the rows, :mod:`carrying` takes one row through the rules,
:mod:`run` does it in small steps and :mod:`report` counts. :mod:`jobs` keeps imports that run in a server.
"""
