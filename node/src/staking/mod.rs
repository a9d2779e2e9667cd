//! The staking contract as this node deals with it: what genesis puts on the chain, its interface, and what JSON-RPC tells
//! of it.

pub mod call;
pub mod possession;
pub mod report;

use alloy_sol_types::sol;

/// Wei of a coin, which is also the stake for one unit of voting power.
pub const COIN: u64 = 1_000_000_000_000_000_000;
/// A whole, in basis points.
pub const WHOLE_BPS: u16 = 10_000;

/// The contract as it was built from `contracts/staking`; a test compares it with its source.
pub const ARTIFACT: &str = include_str!("../../contracts/Staking.json");

sol! {
    /// What anybody calls of the staking contract; `docs/spec/staking.md` says what each does. Amounts are in wei, fractions
    /// in basis points.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    contract Staking {
        struct Params {
            uint32 epochLength;
            uint32 unbondingEpochs;
            uint32 evidenceEpochs;
            uint16 maxValidators;
            uint256 minSelfBond;
            uint256 minDelegation;
            uint16 slashBps;
            uint16 reporterBps;
            uint32 jailEpochs;
            uint16 missedSlotsBps;
            uint32 missedSlotsMin;
            uint16 maxCommissionStepBps;
            uint256 inflationPerBlock;
        }

        struct GenesisValidator {
            address operator;
            bytes32 publicKey;
            uint16 commissionBps;
            uint256 selfBond;
        }

        struct NextValidator {
            address operator;
            bytes32 publicKey;
            uint64 power;
        }

        struct ValidatorInfo {
            address operator;
            bytes32 publicKey;
            string name;
            uint256 stake;
            uint256 shares;
            uint256 selfBond;
            uint16 commissionBps;
            uint16 nextCommissionBps;
            uint256 commission;
            uint32 slots;
            uint32 missed;
            bool isJailed;
            uint64 jailedUntil;
            bool isTombstoned;
            uint64 offenceEpoch;
            bool isCandidate;
        }

        struct LotInfo {
            address source;
            uint64 epoch;
            uint256 shares;
        }

        struct DelegationInfo {
            uint256 shares;
            uint256 stake;
            uint256 redelegable;
            uint256 lostShares;
            LotInfo[] lots;
        }

        struct UnbondingInfo {
            uint256 amount;
            uint64 matures;
            uint64 epoch;
            bool isAtRisk;
            address source;
            uint64 sourceEpoch;
        }

        struct SlashInfo {
            bool isSlashed;
            uint64 offenceEpoch;
            uint16 slashBps;
        }

        struct Totals {
            uint256 bonded;
            uint256 unbonding;
            uint256 rewards;
            uint256 commissions;
            uint256 unallocated;
            uint256 burned;
            uint256 reports;
        }

        event ValidatorCreated(
            address indexed operator, bytes32 publicKey, uint16 commissionBps, string name, uint256 stake
        );
        event ValidatorEdited(address indexed operator, string name, uint16 commissionBps, uint64 epoch);
        event CandidateEntered(address indexed validator);
        event CandidateReplaced(address indexed validator, address indexed by);
        event Delegated(address indexed delegator, address indexed validator, uint256 amount);
        event Undelegated(address indexed delegator, address indexed validator, uint256 amount, uint64 matures);
        event Redelegated(address indexed delegator, address indexed from, address indexed to, uint256 amount);
        event Withdrawn(address indexed delegator, address indexed validator, uint256 amount);
        event RewardsClaimed(address indexed delegator, address indexed validator, uint256 amount);
        event CommissionClaimed(address indexed operator, uint256 amount);
        event ReportClaimed(address indexed reporter, uint256 amount);
        event Unjailed(address indexed operator);
        event Slashed(
            address indexed validator, address indexed reporter, uint64 epoch, uint256 amount, uint256 reward
        );
        event SlashSettled(address indexed delegator, address indexed validator, uint256 amount);

        error NotSystem();
        error BadParameters();
        error WrongValue(uint256 have, uint256 want);
        error NoValidator(address validator);
        error ValidatorExists(address operator);
        error KeyTaken(bytes32 publicKey);
        error BadKey(bytes32 publicKey);
        error BadProof();
        error CommissionTooHigh(uint16 commissionBps);
        error CommissionStepTooLarge(uint16 fromBps, uint16 toBps, uint16 mostBps);
        error NameTooLong();
        error SelfBondTooSmall(uint256 have, uint256 want);
        error DelegationTooSmall(uint256 have, uint256 want);
        error Tombstoned(address validator);
        error NoAmount();
        error InsufficientStake(uint256 have, uint256 want);
        error StakeAtRisk(uint256 free, uint256 want);
        error SameValidator();
        error TooManyLots();
        error TooManyUnbondings();
        error NothingMatured();
        error NothingToClaim();
        error PaymentRefused(address to);
        error NotJailed();
        error StillJailed(uint64 until);
        error NotEligible(address validator);
        error AlreadyCandidate(address validator);
        error CandidatesFull(uint256 have, uint256 least);
        error NotEvidence();
        error OtherChain();
        error EvidenceFromTheFuture(uint64 epoch);
        error EvidenceTooOld(uint64 epoch);
        error BadSignature();
        error ReentrancyGuardReentrantCall();

        constructor(Params params, GenesisValidator[] validators) payable;

        function createValidator(bytes32 publicKey, bytes proof, uint16 commissionBps, string name) external payable;
        function editValidator(string name, uint16 commissionBps) external;
        function unjail() external;
        function enter(address validator) external;
        function claimCommission() external;
        function delegate(address validator) external payable;
        function undelegate(address validator, uint256 amount) external;
        function redelegate(address from, address to, uint256 amount) external;
        function withdraw(address validator) external;
        function claimRewards(address validator) external;
        function submitEvidence(bytes first, bytes firstSignature, bytes second, bytes secondSignature, address beneficiary) external;
        function settle(address delegator, address validator) external;
        function claimReport() external;
        function params() external view returns (Params);
        function epoch() external view returns (uint64);
        function genesisHash() external view returns (bytes32);
        function validator(address operator) external view returns (ValidatorInfo);
        function keyOwner(bytes32 publicKey) external view returns (address);
        function candidates() external view returns (address[]);
        function validatorSet() external view returns (NextValidator[]);
        function delegation(address delegator, address validator) external view returns (DelegationInfo);
        function rewardsOf(address delegator, address validator) external view returns (uint256);
        function reportOf(address reporter) external view returns (uint256);
        function unbondings(address delegator, address validator) external view returns (UnbondingInfo[]);
        function slashOf(address validator) external view returns (SlashInfo);
        function totals() external view returns (Totals);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alloy_json_abi::{Event, JsonAbi, Param};

    use super::*;

    /// Types and names, with those of the parts.
    fn written(params: &[Param]) -> String {
        let one = |param: &Param| format!("{} {}({})", param.ty, param.name, written(&param.components));
        params.iter().map(one).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn the_interface_is_the_artifacts() {
        let artifact: serde_json::Value = serde_json::from_str(ARTIFACT).expect("JSON");
        let abi: JsonAbi = serde_json::from_value(artifact["abi"].clone()).expect("an ABI");
        let ours = Staking::abi::contract();
        let constructor = |abi: &JsonAbi| abi.constructor.as_ref().map(|found| written(&found.inputs));
        assert_eq!(constructor(&abi), constructor(&ours));
        // The runtime has those of its own.
        let system = ["endBlock", "endEpoch"];
        for function in abi.functions().filter(|function| !system.contains(&function.name.as_str())) {
            let same = ours.function(&function.name).and_then(|overloads| overloads.first()).expect("declared here");
            assert_eq!(written(&function.inputs), written(&same.inputs), "{}", function.name);
            assert_eq!(written(&function.outputs), written(&same.outputs), "{}", function.name);
            assert_eq!(function.state_mutability, same.state_mutability, "{}", function.name);
        }
        assert_eq!(abi.functions().count(), ours.functions().count() + system.len());
        let errors = |abi: &JsonAbi| -> BTreeMap<String, String> {
            abi.errors().map(|error| (error.name.clone(), written(&error.inputs))).collect()
        };
        assert_eq!(errors(&abi), errors(&ours));
        let events = |abi: &JsonAbi| -> BTreeMap<String, String> {
            let inputs = |event: &Event| {
                event.inputs.iter().map(|input| format!("{} {} {}, ", input.ty, input.indexed, input.name)).collect()
            };
            abi.events().map(|event| (event.name.clone(), inputs(event))).collect()
        };
        assert_eq!(events(&abi), events(&ours));
    }
}
