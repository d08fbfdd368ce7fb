# What things are called, and why a name is refused, without asking any cloud.

terraform {
  required_version = ">= 1.9"
}

locals {
  # S3's names are the world's: the account makes this one ours alone
  bucket = "${var.deployment}-audit-${var.account}-${var.region}"
}
