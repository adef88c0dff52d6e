resource "kubernetes_persistent_volume" "media" {
  for_each = local.volumes
  metadata {
    name = "media-${each.key}"
  }
  spec {
    capacity     = { storage = each.value.size }
    access_modes = ["ReadWriteMany"]
    mount_options = [
      "nfsvers=4.2",
      "soft",
      "timeo=30",
    ]
    persistent_volume_source {
      nfs {
        server = "198.51.100.15"
        path   = "/srv/nfs/${each.key}"
      }
    }
  }
}

locals {
  volumes = {
    films = { size = "2Ti" }
    music = { size = "500Gi" }
  }
}
