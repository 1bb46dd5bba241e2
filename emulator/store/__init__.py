"""State: TinyDB's API and file, with an engine whose cost does not grow with what is stored.

``interface`` says what the rest of the program asks of a store. ``storage`` and ``table`` extend TinyDB
through its own doors and know nothing of push subscriptions; ``tinydb_store`` is the domain's store on its
tables.
"""
