"""The rules: permission, names, conflicts, quota, uploads."""
