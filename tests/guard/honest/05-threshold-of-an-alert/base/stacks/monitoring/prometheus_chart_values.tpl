alertmanager:
  enabled: true
  config:
    global:
      resolve_timeout: 5m
    route:
      receiver: slack
      group_by: [alertname, namespace]
    receivers:
      - name: slack
        slack_configs:
          - api_url: "${alertmanager_slack_api_url}"
            channel: "#alerts"
            text: "{{ range .Alerts }}{{ .Annotations.summary }}{{ end }}"
server:
  retention: 15d
  persistentVolume:
    size: 50Gi
  resources:
    requests:
      cpu: 250m
      memory: 1Gi
    limits:
      memory: 2Gi
serverFiles:
  alerting_rules.yml:
    groups:
      - name: availability
        rules:
          - alert: TargetDown
            expr: up == 0
            for: ${grace}
            labels:
              severity: critical
            annotations:
              summary: "{{ $labels.job }} on {{ $labels.instance }} does not answer"
          - alert: CertificateExpires
            expr: (probe_ssl_earliest_cert_expiry - time()) / 86400 < 14
            for: 1h
            labels:
              severity: warning
            annotations:
              summary: "The certificate of {{ $labels.instance }} expires in {{ $value | printf \"%.0f\" }} days"
  recording_rules.yml: {}
