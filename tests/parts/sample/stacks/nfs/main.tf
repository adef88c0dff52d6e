terraform {
  backend "local" {}
}

resource "terraform_data" "mount" {
  input = {
    server  = "nfs.example.invalid"
    path    = "/srv/data"
    options = ["hard", "vers=4.2"]
  }
}
