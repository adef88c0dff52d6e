# The namespace outlives what runs in it.
resource "kubernetes_namespace" "wiki" {
  metadata {
    name = "wiki"
  }
}
