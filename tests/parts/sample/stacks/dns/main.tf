terraform {
  backend "local" {}
}

resource "terraform_data" "record" {
  input = {
    name = "nfs.example.invalid"
    ttl  = 300
  }
}
