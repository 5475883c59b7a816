"""Hand letters over to a mail server with the standard library's smtplib, pipelined if the server offers that."""

from digest.transports.smtp.connect import SmtpSettings
from digest.transports.smtp.transport import SmtpTransport

__all__ = ["SmtpSettings", "SmtpTransport"]
