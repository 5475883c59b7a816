"""Hand letters over to SendGrid and read its events; the only home of the `sendgrid` package.

Import `digest.transports.sendgrid.transport` only where letters are handed over, because that package is slow to
import. The other modules here are light, except `events`, which imports cryptography.
"""
