variable "deployment" {
  description = "Name of the deployment; the keys' aliases begin with it."
  type        = string
}

variable "partition" {
  description = "Partition of AWS: aws, aws-cn, aws-us-gov or aws-eusc."
  type        = string
}

variable "region" {
  description = "Region that the keys are used in."
  type        = string
}

variable "account" {
  description = "Account that the keys are in."
  type        = string
}

variable "audit_role" {
  description = "Name of audit's role, the only one that may open the keys of persons."
  type        = string
}

variable "key_custodians" {
  description = "ARNs of the roles that may end or change the key that wraps the keys of persons, besides the account's root. The role that Terraform runs as has to be one of them."
  type        = list(string)

  validation {
    condition     = length(var.key_custodians) > 0
    error_message = "Name at least the role that Terraform runs as: without it the policy of the key could not be changed any more but by the account's root."
  }
}
