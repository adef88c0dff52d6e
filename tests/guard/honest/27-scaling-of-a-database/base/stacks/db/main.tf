resource "aws_db_instance" "orders" {
  identifier              = "orders"
  instance_class          = "db.t3.medium"
  allocated_storage       = 100
  backup_retention_period = 7
  password                = var.orders_password
  parameter_group_name    = aws_db_parameter_group.orders.name

  lifecycle {
    prevent_destroy = true
    ignore_changes  = [password]
  }
}

resource "aws_db_parameter_group" "orders" {
  family = "postgres16"

  parameter {
    name  = "max_connections"
    value = "100"
  }
}

variable "orders_password" {
  type      = string
  sensitive = true
}
