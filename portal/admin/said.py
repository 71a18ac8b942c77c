"""What an act of staff did, said on the next page with a link to its record."""

from __future__ import annotations

import sqlalchemy as sa
from flask import flash
from flask_login import current_user
from markupsafe import Markup

from portal.audit.models import AuditLog
from portal.db import db
from portal.logs import request_id


def said(text: str) -> None:
    """Show `text` on the next page; whoever may read the audit log finds what this request wrote there."""
    session = db.session()
    mine = AuditLog.request_id == request_id(), AuditLog.user_id == current_user.user_id
    newest = sa.select(AuditLog.id).where(*mine).order_by(AuditLog.created_at.desc()).limit(1)
    row_id = session.scalar(newest) if "audit:read" in current_user.permissions else None
    session.rollback()
    link = Markup(' <a href="/admin/audit/{}">See its record</a>').format(row_id) if row_id else ""
    flash(Markup("{}{}").format(text, link), "success")
