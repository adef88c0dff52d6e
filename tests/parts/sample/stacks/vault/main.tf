terraform {
  backend "local" {}
}

resource "terraform_data" "server" {
  input = {
    storage = "raft"
    seal    = "shamir"
  }
}
