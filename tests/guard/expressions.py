"""Expressions of alerts: what is wrong with some, and honest ones such as common rule sets hold."""

from __future__ import annotations

ALWAYS = (
    "vector(1)", "vector(0)", "vector(-1)", "1", "0", "1 == bool 2", "time()", "vector(time())", "vector(1) > 0",
    "vector(2) * 3 == 6", "vector(1) == vector(1)", "scalar(x)", "-vector(1)",
    "x >= 0 or x < 0", "x > 5 or x <= 5", "x > 3 or x < 5", "x == 1 or x != 1", "(x > 1 and x < 5) or x <= 1 or x >= 5",
    "x > 5 or x", "x == x", "x >= x", "x <= x", "sum(x) == sum(x)", "x != NaN", "x < Inf", "x > -Inf",
    "x > bool 5", "x == bool y", "x > bool 5 == bool 1", "sum(x > bool 5) >= 0",
    "up", "up >= 0", "up <= 1", "up < 2", "up != 2", "up == 0 or up == 1", "sum(up) >= 0", "avg(up) <= 1",
    "max by (job) (up)", "count(x) >= 0", "stddev(x) >= 0", "abs(x) >= 0", "rate(x[5m]) >= 0", "rate(x[5m])",
    "sum(rate(x[5m]))", "x / y", "(x - y) * 100", "time() - x", "hour() >= 0", "hour() < 24", "day_of_week()",
    "absent(vector(0) > 1)", 'absent(x{job="a",job="b"})', "absent(up > 1)", "absent(x > 5 and x < 3)",
    "x > 5 or vector(1)", "x or vector(0)", "x or on() vector(1)", "sum(rate(x[5m])) or vector(0) > 5",
    "up unless up > 1", "(x == x) unless vector(0) > 1", "clamp(x, 0, 1) <= 1", "clamp_min(x, 5) > 4",
    "vector(1) and vector(2)", "vector(1) and on() vector(0)", "x == x and on() vector(0)", "sgn(x) < 2",
    "min_over_time(up[5m]) >= 0", "present_over_time(x[5m]) >= 0", "0 <= up", "2 > up",
    "vector(NaN)", "vector(NaN) != 1", "count_over_time(x[5m]) >= 0", "max_over_time(vector(1)[5m:1m]) > 0",
    "label_replace(up, 'a', 'b', 'job', '.*')",
)  # fmt: skip
NEVER = (
    "vector(0) > 1", "vector(1) == 0", "vector(1) > vector(2)", "vector(0) == 1 or vector(0) > 1",
    "x > 5 and x < 3", "x > 5 < 3", "(x > 5) < 5", "x == 1 and x == 2", "x >= 5 and x < 5", "x > 5 unless x > 3",
    "x unless x", "x > 5 unless x", "x > 5 unless x >= 0", "x unless (x > 3 or x <= 3)", "x != x", "x > x", "x < x",
    "sum(x) != sum(x)", "rate(x[5m]) > 5 and rate(x[5m]) < 3", "x > 5 and y > 1 and x < 3",
    "x unless on() vector(1)", "x > 5 unless on() vector(0)", "vector(1) unless vector(1)",
    "absent(vector(1))", "absent(vector(1)) or vector(0) > 1", "absent(hour())", "absent(x) == 0", "absent(x) > 1",
    "up > 1", "up < 0", "up == 2", "up == 0.5", "up > 0 < 1", "5 < up", "-up > 0", "avg(up) > 1", "sum(up) < 0",
    "max_over_time(up[5m]) > 1", "up * 100 > 100", "1 - up > 1", "up - 1 > 0", "up > on() group_left() vector(5)",
    'x{job="a",job="b"}', 'x{job="a",job!="a"} > 5', 'x{job=~"a",job!~"a"} > 5', 'x{job=~"a|b",job!~"a|b|c"} > 5',
    'x{job="",job!=""} > 5', 'x{job="a",job=~"b.*"} > 5', 'x{job!~".*"} > 5', 'x{job!~".+",job=~".+"} > 5',
    '{__name__="x",__name__="y"} > 5', 'sum by (job) (rate(x{job="a",job="b"}[5m])) > 5',
    "rate(x[5m]) < 0", "increase(x[5m]) < 0", "sum(rate(x[5m])) < 0", "rate(x[5m]) / rate(y[5m]) < 0",
    "count(x) < 0", "count(x) < 1", "count(x == 1) == 0", "count(up == 1) < 1", "abs(x) < 0", "stddev(x) < 0",
    "changes(x[5m]) < 0", "x > Inf", "x < -Inf", "x > NaN", "x == NaN", "x < NaN", "x - x > 0", "x * 0 > 1",
    "hour() > 23", "hour() == 24", "day_of_week() > 6", "month() == 0", "minute() > 59", "x > 5 and on() hour() > 24",
    "topk(0, x)", "bottomk(0, x) > 5", "clamp_max(x, 1) > 1", "clamp(x, 2, 1)", "clamp_min(x, 5) < 5",
    "(x > bool 5) > 1", "(x > bool 5) + (y > bool 3) > 2", "1 - avg(rate(x[5m])) > 1", "vector(NaN) > 1", "sgn(x) > 1",
    "x and vector(0) > 1", "vector(1) and on() (up > 1)", "timestamp(x) < 0", "group(x) == 2",
)  # fmt: skip
DOUBTFUL = (
    "absent(up)", "x == Inf", "x >= Inf", "x <= -Inf", "x / y == Inf", "x > 5 unless on() y",
    "up == 0 unless on() (y == 1)",
)  # fmt: skip
EVERYTHING = (
    "{}", "{} > 5", "count({}) == 0", '{__name__=~".+"}', '{__name__!=""} > 5', '{__name__=~".*",job!=""} > 5',
    '{job=~".+"} == 0', '{__name__=~"[a-z].*"} == 0', '{__name__=~".+",instance!~"x.*"}', "x > 5 and {job!=''} > 1",
    'count({__name__=~"(.+)"}) > 9',
)  # fmt: skip
REFUSED = (
    "", "   ", "x >", "x > > 5", "(x", "x)", "x{", 'x{a="b}', "1 > 2", "x[5m]", "x[5m] > 5", '"x"', "rate(x)",
    "nosuch(x)", "x{a=~'('}", "sum(x, y)", "x offset", "x offset NaN", "x offset 9223372036854775808", "x[",
    "x and 5", "topk(x)", "é > 5", "x # a comment\n)", "x" * 9000, "(" * 300 + "x" + ")" * 300, "x" + " or x" * 300,
    "x{" + "a=~'b{2}'," * 30 + "}",
)  # fmt: skip
HONEST = (
    # Hosts
    '(node_filesystem_avail_bytes{job="node",fstype!=""} / node_filesystem_size_bytes{job="node",fstype!=""} * 100 < 15'
    ' and predict_linear(node_filesystem_avail_bytes{job="node",fstype!=""}[6h], 24*60*60) < 0'
    ' and node_filesystem_readonly{job="node",fstype!=""} == 0)',
    "node_filesystem_files_free / node_filesystem_files * 100 < 3 and node_filesystem_readonly == 0",
    "increase(node_network_receive_errs_total[2m]) / increase(node_network_receive_packets_total[2m]) > 0.01",
    "(node_nf_conntrack_entries / node_nf_conntrack_entries_limit) > 0.75",
    'node_textfile_scrape_error{job="node"} == 1',
    "(node_timex_offset_seconds > 0.05 and deriv(node_timex_offset_seconds[5m]) >= 0) or"
    " (node_timex_offset_seconds < -0.05 and deriv(node_timex_offset_seconds[5m]) <= 0)",
    "min_over_time(node_timex_sync_status[5m]) == 0 and node_timex_maxerror_seconds >= 16",
    'node_md_disks_required{device=~"md.+"} - ignoring (state) (node_md_disks{state="active",device=~"md.+"}) > 0',
    "(instance:node_load1_per_cpu:ratio > 2)",
    '100 - (avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) * 100) > 90',
    '(1 - avg without (cpu) (rate(node_cpu_seconds_total{mode=~"idle|iowait"}[5m]))) * 100 > 95',
    "rate(node_vmstat_pgmajfault[5m]) > 500",
    "(node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes) * 100 < 10",
    'node_systemd_unit_state{state="failed"} == 1',
    "node_hwmon_temp_celsius * on (instance, chip) group_left (chip_name) node_hwmon_chip_names > 80",
    "time() - node_boot_time_seconds < 600",
    "changes(node_boot_time_seconds[15m]) > 0",
    'rate(node_disk_io_time_seconds_total{device=~"sd.+|nvme.+"}[5m]) > 0.95 < 2',
    # Kubernetes
    'max_over_time(kube_pod_container_status_waiting_reason{reason="CrashLoopBackOff"}[5m]) >= 1',
    'sum by (namespace, pod) (max by (namespace, pod) (kube_pod_status_phase{phase=~"Pending|Unknown|Failed"})'
    ' * on (namespace, pod) group_left (owner_kind)'
    ' topk by (namespace, pod) (1, max by (namespace, pod, owner_kind) (kube_pod_owner{owner_kind!="Job"}))) > 0',
    "kube_deployment_status_observed_generation != kube_deployment_metadata_generation",
    "(kube_deployment_spec_replicas > kube_deployment_status_replicas_available) and"
    " (changes(kube_deployment_status_replicas_updated[10m]) == 0)",
    "((kube_daemonset_status_current_number_scheduled != kube_daemonset_status_desired_number_scheduled) or"
    " (kube_daemonset_status_number_misscheduled != 0)) and (changes(kube_daemonset_status_number_available[5m]) == 0)",
    'time() - max by (namespace, job_name) (kube_job_status_start_time and kube_job_status_active > 0) > 43200',
    "kube_job_failed > 0",
    "(kube_horizontalpodautoscaler_status_desired_replicas != kube_horizontalpodautoscaler_status_current_replicas) and"
    " (kube_horizontalpodautoscaler_status_current_replicas > kube_horizontalpodautoscaler_spec_min_replicas)",
    "sum(namespace_cpu:kube_pod_container_resource_requests:sum) - (sum(kube_node_status_allocatable{resource='cpu'})"
    " - max(kube_node_status_allocatable{resource='cpu'})) > 0 and (sum(kube_node_status_allocatable{resource='cpu'})"
    " - max(kube_node_status_allocatable{resource='cpu'})) > 0",
    'kube_resourcequota{type="used"} / ignoring (type) (kube_resourcequota{type="hard"} > 0) > 0.9 < 1',
    "sum(increase(container_cpu_cfs_throttled_periods_total{container!=''}[5m])) by (container, pod, namespace) /"
    " sum(increase(container_cpu_cfs_periods_total[5m])) by (container, pod, namespace) > (25 / 100)",
    "(kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes) < 0.03 and"
    " kubelet_volume_stats_used_bytes > 0 unless on (namespace, persistentvolumeclaim)"
    ' kube_persistentvolumeclaim_access_mode{access_mode="ReadOnlyMany"} == 1 unless on (namespace,'
    ' persistentvolumeclaim) kube_persistentvolumeclaim_labels{label_excluded_from_alerts="true"} == 1',
    'kube_node_status_condition{condition="Ready",status="true"} == 0',
    'kube_node_spec_taint{key="node.kubernetes.io/unreachable",effect="NoSchedule"} unless ignoring (key, value)'
    ' kube_node_spec_taint{key=~"ToBeDeletedByClusterAutoscaler|cloud.google.com/impending-node-termination"} == 1',
    "count by (cluster) (count by (git_version, cluster) (label_replace(kubernetes_build_info{job!~'kube-dns|coredns'},"
    " 'git_version', '$1', 'git_version', '(v[0-9]*.[0-9]*).*'))) > 1",
    "apiserver_client_certificate_expiration_seconds_count > 0 and on (job) histogram_quantile(0.01,"
    " sum by (job, le) (rate(apiserver_client_certificate_expiration_seconds_bucket[5m]))) < 604800",
    "(1 - max by (name, namespace) (avg_over_time(aggregator_unavailable_apiservice[10m]))) * 100 < 85",
    'absent(up{job="kubelet"})',
    'absent(up{job="apiserver"} == 1)',
    "sum(apiserver_request:burnrate1h) > (14.40 * 0.01000) and sum(apiserver_request:burnrate5m) > (14.40 * 0.01000)",
    "sum(rate(kube_state_metrics_list_total{result='error'}[5m])) /"
    " sum(rate(kube_state_metrics_list_total[5m])) > 0.01",
    "resets(kube_pod_container_status_restarts_total[1h]) > 3",
    # Servers and the watchers themselves
    "100 * (count(up == 0) BY (job, namespace) / count(up) BY (job, namespace)) > 10",
    'ALERTS{severity="info"} == 1 unless on (namespace)'
    ' ALERTS{alertname!="InfoInhibitor",severity=~"warning|critical"} == 1',
    'max_over_time(prometheus_notifications_alertmanagers_discovered[5m]) < 1',
    "rate(prometheus_notifications_dropped_total[5m]) > 0",
    "prometheus_rule_evaluation_failures_total - prometheus_rule_evaluation_failures_total offset 5m > 0",
    "(predict_linear(prometheus_notifications_queue_length[5m], 60 * 30) >"
    " min_over_time(prometheus_notifications_queue_capacity[5m]))",
    "(count by (cluster) (avg_over_time(up{job='alertmanager'}[5m]) < 0.5) / count by (cluster)"
    " (up{job='alertmanager'})) >= 0.5",
    'sum(up{job=~".*etcd.*"} == bool 1) without (instance) <'
    ' ((count(up{job=~".*etcd.*"}) without (instance) + 1) / 2)',
    "max without (endpoint) (sum without (instance) (up{job='etcd'} == bool 0) or count without (To)"
    " (sum without (instance) (rate(etcd_network_peer_sent_failures_total[120s])) > 0.01)) > 0",
    "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > 1",
    "sum(rate(http_requests_total{code=~'5..'}[5m])) / sum(rate(http_requests_total[5m])) > 0.05",
    "(probe_ssl_earliest_cert_expiry - time()) / 86400 < 21",
    "probe_success == 0",
    "avg_over_time(probe_success[10m]) < 0.5",
    "min_over_time(up[10m]) == 0",
    "sum by (job) (up) < 2",
    "up == 0 and on (job) up offset 1h == 1",
    "up offset 1h unless up",
    "(sum(rate(jobs_done_total[1h])) or vector(0)) == 0 and on () hour() > 8 < 18",
    "time() - timestamp(backup_last_success) > 86400",
    "absent_over_time(backup_last_success[1d])",
    "abs(delta(temperature_celsius[10m])) > 5",
    "pg_stat_activity_count > on (instance) pg_settings_max_connections * 0.8",
    "rate(x[5m]) == 0",
    "node_nfs_rpc_retransmissions_total > 5 unless on (instance) node_maintenance == 1",
    'sum by (instance) ({__name__=~"node_.+_errors_total"}) > 0',
    "stddev_over_time(latency_seconds[1h]) > 3 * avg_over_time(latency_seconds[1h])",
    "quantile(0.9, latency_seconds) > 1",
    "clamp_max(queue_length, 100) >= 100",
    "(queue_length > bool 5) + (consumers == bool 0) == 2",
    'kube_pod_status_reason{reason="Evicted"}',
    'count(kube_pod_status_phase{phase="Failed"} == 1) > 0',
)  # fmt: skip
