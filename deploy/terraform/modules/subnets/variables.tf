variable "cidr" {
  description = "Addresses of the network, /16 to /20: 8,192 to 512 for each zone's isolated subnet, of which every pod takes one."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.cidr)) && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 20, false)
    error_message = "The network is an IPv4 CIDR from /16 to /20, such as 10.40.0.0/16: AWS takes none larger, and in a smaller one pods run out of addresses."
  }

  validation {
    condition     = can(cidrnetmask(var.cidr)) && cidrhost(var.cidr, 0) == split("/", var.cidr)[0]
    error_message = "The address is not the first one of its network."
  }
}

variable "zones" {
  description = "Availability zones, two to four of them; three for three copies of every record."
  type        = list(string)

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 4 && length(distinct(var.zones)) == length(var.zones)
    error_message = "Name two to four different availability zones: in fewer a zone that fails takes everything with it."
  }
}

variable "internet_egress" {
  description = "Whether something may reach the internet, through subnets of its own."
  type        = bool
  default     = false
}
