groups:
  - name: nodes
    rules:
      - alert: NodeDiskAlmostFull
        expr: 100 - node_filesystem_avail_bytes / node_filesystem_size_bytes * 100 > ${disk_full_percent}
        for: 15m
        labels:
          severity: warning
        annotations:
          summary: "{{ $labels.instance }} has less than ${100 - disk_full_percent} % of {{ $labels.mountpoint }} left"
      - alert: NodeMemoryAlmostFull
        expr: 100 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes * 100 > ${memory_full_percent}
        for: 10m
        labels:
          severity: warning
        annotations:
          summary: "{{ $labels.instance }} is short of memory"
  - name: scraping
    rules:
      - alert: TargetDown
        expr: up == 0
        for: ${scrape_down_minutes}m
        labels:
          severity: critical
        annotations:
          summary: "{{ $labels.job }} on {{ $labels.instance }} does not answer"
