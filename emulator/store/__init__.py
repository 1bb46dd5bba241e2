"""State: TinyDB's API and file, with an engine whose cost does not grow with what is stored.

``storage`` and ``table`` extend TinyDB through its own doors and know nothing of push subscriptions;
``tinydb_store`` is the domain's store on top of them.
"""
