# Which addresses each subnet has: per zone a large isolated one, and where something may reach the
# internet a small private and a small public one besides.

terraform {
  required_version = ">= 1.9"
}

locals {
  # the first half of the network is for the isolated subnets, four to share it
  isolated = { for index, zone in var.zones : zone => cidrsubnet(var.cidr, 3, index) }
  # the second half: an eighth for each of two tiers, four to share it
  private = { for index, zone in var.zones : zone => cidrsubnet(var.cidr, 5, 16 + index) }
  public  = { for index, zone in var.zones : zone => cidrsubnet(var.cidr, 5, 20 + index) }
}
