"""Plans, subscriptions, invoices and how they are paid."""
