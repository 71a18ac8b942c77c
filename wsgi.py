"""`python wsgi.py` starts the whole portal; `gunicorn wsgi:app` serves it, `flask --app wsgi …` runs a command."""

import os
import sys

if __name__ == "__main__":
    from portal.embedded.supervisor import main

    sys.exit(main())

from portal.app import create_app, with_sockets
from portal.web import sockets

app = create_app()
if os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn"):
    with_sockets(app)
    sockets.watch(app)
