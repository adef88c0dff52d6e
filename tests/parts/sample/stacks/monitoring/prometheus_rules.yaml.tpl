groups:
  - name: storage
    rules:
      - alert: NodeFilesystemAlmostFull
        expr: node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.1
        for: 15m
        labels:
          severity: ${severity}
        annotations:
          summary: A filesystem has less than 10 % left
