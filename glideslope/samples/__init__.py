"""Documents of a fictional lender, and questions about them with the end that each must have."""
