"""The metadata database: connections, transactions, migrations."""
