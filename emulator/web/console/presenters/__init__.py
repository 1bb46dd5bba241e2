"""What the pages show, made from the domain's objects, without Flask's request."""
