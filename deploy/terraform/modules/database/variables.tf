variable "deployment" {
  description = "Name of the deployment, and of the database instance."
  type        = string
}

variable "partition" {
  description = "Partition of AWS."
  type        = string
}

variable "account" {
  description = "Account that the database is in."
  type        = string
}

variable "vpc_id" {
  description = "Network that the database is in."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the database, without a way to the internet, in two zones at the least."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "RDS wants subnets in two zones at the least."
  }
}

variable "client_security_groups" {
  description = "Security groups that may connect, by a name for each."
  type        = map(string)
}

variable "postgres_version" {
  description = "Version of PostgreSQL; with the major version alone, RDS chooses the newest of it."
  type        = string
  default     = "17"
}

variable "instance_class" {
  description = "Instance class of the database and its standby."
  type        = string
  default     = "db.t4g.medium"
}

variable "storage_gib" {
  description = "GiB of storage at the start."
  type        = number
  default     = 20
}

variable "largest_storage_gib" {
  description = "GiB up to which storage grows by itself."
  type        = number
  default     = 200
}

variable "backup_days" {
  description = "Days for which backups are kept. The queue can also be made anew from the topics; what backups hold of erased persons ends after as many days."
  type        = number
  default     = 14

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "RDS keeps backups for 1 to 35 days."
  }
}

variable "key_arn" {
  description = "KMS key that storage, backups and the master password are encrypted with."
  type        = string
}
