"""The contract as OpenAPI 3.1, made from the schemas that check the requests, and a page to read it."""
