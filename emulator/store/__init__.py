"""State: TinyDB's API and file, with an engine whose cost does not grow with what is stored.

``interface`` defines what the rest of the program uses. ``storage`` and ``table`` extend TinyDB through its
documented extension points and know nothing of push subscriptions; ``tinydb_store`` is the domain's store on
these tables.
"""
