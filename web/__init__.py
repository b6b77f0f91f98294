"""The browser's part: templates and static assets."""
