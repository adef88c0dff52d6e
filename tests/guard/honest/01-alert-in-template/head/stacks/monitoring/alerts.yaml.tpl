# Rendered by main.tf; thresholds come from locals.
groups:
  - name: storage
    rules:
      - alert: VolumeAlmostFull
        expr: |
          kubelet_volume_stats_available_bytes
            / kubelet_volume_stats_capacity_bytes < ${volume_free_ratio}
        for: 15m
        labels:
          severity: warning
          team: ${team}
        annotations:
          summary: "{{ $labels.persistentvolumeclaim }} has less than ${format("%.0f", volume_free_ratio * 100)} % left"
      - alert: PvcPending
        expr: kube_persistentvolumeclaim_status_phase{phase="Pending"} == 1
        for: 30m
        labels:
          severity: critical
        annotations:
          summary: "{{ $labels.persistentvolumeclaim }} in {{ $labels.namespace }} has waited for half an hour"
      - alert: NfsServerSlow
        expr: histogram_quantile(0.99, sum by (le, server) (rate(nfs_request_duration_seconds_bucket[5m]))) > 2
        for: 10m
        labels:
          severity: critical
        annotations:
          summary: "NFS on {{ $labels.server }} answers in {{ $value | humanizeDuration }}"
          runbook_url: https://wiki.example.org/runbooks/nfs
  - name: nodes
    rules:
%{ for zone in zones ~}
      - alert: NodesMissingIn${zone}
        expr: count(up{job="node-exporter", zone="${zone}"} == 1) < ${least_nodes}
        for: 10m
        labels:
          severity: critical
%{ endfor ~}
