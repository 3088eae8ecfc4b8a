"""Who may come in, and for which tenant: keys, roles, and the pages of the dashboards."""
