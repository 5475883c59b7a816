"""Read bounces and complaints from a mailbox."""
