"""Importing a file of collected tokens (the specification's "CSV import").

In the order of the work: :mod:`sources` opens the file, :mod:`layout` decides how the whole of it is
written, :mod:`rows` reads its rows and :mod:`columns` maps its columns; :mod:`plan` is what the person chose
and :mod:`checking` says whether it can be carried out; :mod:`survey` looks at every row, :mod:`batch` takes
the rows through the rules, without those that are :mod:`spoiled`, :mod:`execution` does it in small steps,
:mod:`report` has the result and :mod:`problem` the texts. :mod:`jobs` keeps the imports of a server.
"""
