locals {
  app = "wiki"
  labels = {
    "app.kubernetes.io/name"       = local.app
    "app.kubernetes.io/managed-by" = "terraform"
  }
  proxy_timeout_seconds = 30
}

resource "kubernetes_deployment" "wiki" {
  metadata {
    name      = local.app
    namespace = kubernetes_namespace.wiki.metadata[0].name
    labels    = local.labels
  }
  spec {
    replicas = 2
    selector {
      match_labels = { app = local.app }
    }
    template {
      metadata {
        labels = { app = local.app }
      }
      spec {
        container {
          name  = "wiki"
          image = "registry.example.org/wiki:${var.wiki_version}"
          env {
            name  = "DB_HOST"
            value = "postgres.dbaas.svc.cluster.local"
          }
          env {
            name = "DB_PASSWORD"
            value_from {
              secret_key_ref {
                name = "wiki-db"
                key  = "password"
              }
            }
          }
          port {
            container_port = 8080
          }
          resources {
            requests = {
              cpu    = "100m"
              memory = "256Mi"
            }
            limits = {
              memory = "512Mi"
            }
          }
        }
      }
    }
  }
}

resource "kubernetes_namespace" "wiki" {
  metadata {
    name = "wiki"
  }
}

variable "wiki_version" {
  type    = string
  default = "4.1.0"
}
