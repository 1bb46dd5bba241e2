"""What the pages show, worked out from the domain's objects. Nothing here knows the request."""
