"""The SMTP transport: standard library underneath, pipelined where the server offers it."""

from digest.transports.smtp.connect import SmtpSettings
from digest.transports.smtp.transport import SmtpTransport

__all__ = ["SmtpSettings", "SmtpTransport"]
