//! Single faults, each put where it hurts.
