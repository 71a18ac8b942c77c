"""The embedded default: one command starts a database, a message bus, a chain and the portal on this machine.

Nothing in here is imported by a feature. Each part that runs is reached by an address in the environment
(`AUDIFI_DATABASE_URL`, `AUDIFI_REDIS_URL`, `AUDIFI_RPC_URL`), so that production differs by addresses alone.
"""
