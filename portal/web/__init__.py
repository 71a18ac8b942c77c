"""The edge: reading requests, deciding who may, and wording answers for pages, partials and API clients.

access   who may use a route or a socket event; every one declares it
bodies   JSON and form bodies, checked strictly, into typed models
answers  domain errors as problem+json, legacy JSON, a page, or a partial
pages    blueprints for HTML pages, static URLs, safe redirects
peer     the address that a request comes from, proxies in front or not
headers  request ids, security headers, caching
cursors  opaque keyset cursors
"""
