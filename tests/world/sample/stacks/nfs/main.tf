terraform {
  backend "local" {}
}

resource "terraform_data" "backups" {
  input = {
    server        = "198.51.100.15"
    path          = "/srv/nfs/backups"
    mount_options = "nfsvers=4.2,hard,timeo=600"
  }
}

resource "terraform_data" "media" {
  input = {
    server        = "198.51.100.15"
    path          = "/srv/nfs/media"
    mount_options = "nfsvers=4.2,hard,timeo=600"
  }
}
