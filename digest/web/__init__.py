"""Answer HTTP requests: application, security headers, webhook, letter pages."""
