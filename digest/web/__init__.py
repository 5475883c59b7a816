"""Every HTTP answer: application, security headers, webhooks, letter pages."""
