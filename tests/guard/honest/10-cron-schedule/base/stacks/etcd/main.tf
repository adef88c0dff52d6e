resource "kubernetes_cron_job_v1" "etcd_backup" {
  metadata {
    name      = "etcd-backup"
    namespace = "kube-system"
  }
  spec {
    schedule                      = "0 3 * * *"
    concurrency_policy            = "Forbid"
    successful_jobs_history_limit = 3
    job_template {
      metadata {}
      spec {
        backoff_limit = 2
        template {
          metadata {}
          spec {
            restart_policy = "OnFailure"
            container {
              name    = "backup"
              image   = "registry.example.org/etcd-backup:1.4"
              command = ["/bin/sh", "-c", "etcdctl snapshot save /backup/$(date +%F).db"]
            }
          }
        }
      }
    }
  }
}
