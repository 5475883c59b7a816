"""The SendGrid transport, the only home of the `sendgrid` package.

Import `digest.transports.sendgrid.transport` where letters are handed over and nowhere sooner: the package is slow
to import. Everything else here is light.
"""
