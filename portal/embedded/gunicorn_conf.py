"""The web server of the embedded default; production may use it as it is (WEB_CONCURRENCY: processes)."""

import os

from portal.embedded.watch import exit_when_supervisor_dies

bind = os.environ.get("AUDIFI_BIND", "127.0.0.1:5000")
worker_class = "gevent"
worker_connections = 4000
keepalive = 30
graceful_timeout = 5
timeout = 60
preload_app = False
accesslog = None
loglevel = "warning"

exit_when_supervisor_dies()
