"""`python wsgi.py` starts the whole portal; `gunicorn wsgi:app` serves it, `flask --app wsgi …` runs a command."""

import gc
import os
import sys

if __name__ == "__main__":
    from portal.embedded.supervisor import main

    sys.exit(main())

gc.disable()  # modules and mapped classes stay for ever: looking through them again and again is a fifth of a start

from sqlalchemy.orm import configure_mappers  # noqa: E402

from portal.app import create_app, with_sockets  # noqa: E402

app = create_app(serving="db" not in sys.argv[1:])
if os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn"):
    with_sockets(app)
    configure_mappers()  # now, while the database may still be starting, and not in front of the first visitor
    app.jinja_env.get_template("marketplace/home.html")

gc.freeze()
gc.enable()
