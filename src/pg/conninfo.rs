//! libpq connection rules as one pure function: arguments, environment and files become a plan.
