"""HTTP: the documented endpoint and the admin API, each with its schemas beside it."""
