terraform {
  backend "local" {}
}

resource "terraform_data" "zone" {
  input = {
    for name in ["git", "wiki", "status"] : name => { type = "CNAME", value = "ingress.example.org.", ttl = 300 }
  }
}
