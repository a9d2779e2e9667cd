//! What each effect of the core means, as the engine has it.

use esker::consensus::context::EskerContext;
use futures::FutureExt as _;
use malachite::app::consensus::{ConsensusMsg, Effect, Error, LivenessMsg, Resumable as _, Resume};
use malachite::app::types::SignedConsensusMsg;
use malachite::app::types::core::{NilOrVal, Proposal as _, ValueOrigin, Vote as _};
use malachite_signing::VerifierExt as _;

use super::engine::{Host, Phase};
use super::env::{Env, Local, Message, Out, Request, Stop};
use super::kills::{What, When};
use super::wire::Wire;

const WAITS_FOR_NOTHING: &str = "verifying waits for nothing";

impl Host {
    /// Does what the core wants and says what it goes on with.
    pub fn effect(&mut self, effect: Effect<EskerContext>, env: &mut Env<'_>) -> Result<Resume<EskerContext>, Stop> {
        Ok(match effect {
            Effect::CancelAllTimeouts(resume) => {
                self.timers.clear();
                resume.resume_with(())
            }
            Effect::CancelTimeout(timeout, resume) => {
                self.stop_timer(&timeout);
                resume.resume_with(())
            }
            Effect::ScheduleTimeout(timeout, resume) => {
                self.start_timer(timeout, env);
                resume.resume_with(())
            }
            Effect::StartRound(height, round, proposer, role, resume) => {
                self.flush(env);
                let index = env.roster.index_of(proposer);
                env.trace.add(
                    env.at(),
                    self.index,
                    format_args!("starts round {height}/{round}, proposer {index:?}, {role:?}"),
                );
                for value in self.started_round(height, round, proposer, env)? {
                    env.later(env.at(), Local::Engine(Message::Proposed(value, ValueOrigin::Consensus)));
                }
                resume.resume_with(())
            }
            Effect::SignVote(vote, resume) => {
                self.flush_before_signing(env)?;
                let signed = self.signer.vote(vote);
                env.checker.signs_vote(env.roster, self.index, &signed.message, &signed.signature);
                resume.resume_with(signed)
            }
            Effect::SignProposal(proposal, resume) => {
                self.flush_before_signing(env)?;
                let signed = self.signer.proposal(proposal);
                env.checker.signs_proposal(env.roster, self.index, &signed.message, &signed.signature);
                resume.resume_with(signed)
            }
            Effect::VerifySignature(message, key, resume) => {
                let valid = match &message.message {
                    ConsensusMsg::Vote(vote) => env.verifier.vote(vote, &message.signature, &key),
                    ConsensusMsg::Proposal(proposal) => env.verifier.proposal(proposal, &message.signature, &key),
                };
                resume.resume_with(valid)
            }
            Effect::VerifyCommitCertificate(certificate, voters, thresholds, resume) => {
                let verdict = env.verifier.verify_commit_certificate(&EskerContext, &certificate, &voters, thresholds);
                resume.resume_with(verdict.now_or_never().expect(WAITS_FOR_NOTHING))
            }
            Effect::VerifyExtendedCommitCertificate(certificate, voters, thresholds, policy, resume) => {
                let verdict = env.verifier.verify_extended_commit_certificate(
                    &EskerContext,
                    &certificate,
                    &voters,
                    thresholds,
                    policy,
                );
                resume.resume_with(verdict.now_or_never().expect(WAITS_FOR_NOTHING))
            }
            Effect::VerifyPolkaCertificate(certificate, voters, thresholds, resume) => {
                let verdict = env.verifier.verify_polka_certificate(&EskerContext, &certificate, &voters, thresholds);
                resume.resume_with(verdict.now_or_never().expect(WAITS_FOR_NOTHING))
            }
            Effect::VerifyRoundCertificate(certificate, voters, thresholds, resume) => {
                let verdict = env.verifier.verify_round_certificate(&EskerContext, &certificate, &voters, thresholds);
                resume.resume_with(verdict.now_or_never().expect(WAITS_FOR_NOTHING))
            }
            Effect::PublishConsensusMsg(message, resume) => {
                self.flush(env);
                self.trace_message(&message, env);
                env.emit(Out::Broadcast(Wire::Consensus(message)));
                resume.resume_with(())
            }
            Effect::PublishLivenessMsg(message, resume) => {
                env.emit(Out::Broadcast(Wire::Liveness(message)));
                resume.resume_with(())
            }
            Effect::RepublishVote(vote, resume) => {
                env.emit(Out::Broadcast(Wire::Liveness(LivenessMsg::Vote(vote))));
                resume.resume_with(())
            }
            Effect::RepublishRoundCertificate(certificate, resume) => {
                env.emit(Out::Broadcast(Wire::Liveness(LivenessMsg::SkipRoundCertificate(certificate))));
                resume.resume_with(())
            }
            Effect::GetValue(height, round, _, resume) => {
                let takes = env.plan.execution(env.dice);
                self.ask(Request::GetValue(height, round), takes, env);
                resume.resume_with(())
            }
            Effect::RestreamProposal(height, round, valid_round, proposer, value, resume) => {
                self.ask(Request::Restream(height, round, valid_round, proposer, value), 0, env);
                resume.resume_with(())
            }
            Effect::Decide(certificate, _, resume) => {
                self.flush(env);
                env.trace.add(
                    env.at(),
                    self.index,
                    format_args!("decides {}/{} {}", certificate.height, certificate.round, certificate.value_id),
                );
                let takes = env.dice.between(self.disk_takes.0, self.disk_takes.1);
                self.ask(Request::Decided(certificate), takes, env);
                resume.resume_with(())
            }
            Effect::Finalize(certificate, _, evidence, resume) => {
                self.ask(Request::Finalized(certificate.height, Box::new(evidence)), 0, env);
                resume.resume_with(())
            }
            Effect::WalAppend(height, entry, resume) => {
                if self.phase != Phase::Recovering
                    && self.is_validator
                    && let Err(error) = self.wal.append(height.0, entry)
                {
                    return Err(Stop::Broken(format!("the log refuses an entry: {error}")));
                }
                resume.resume_with(())
            }
            Effect::CertVerifiedSyncValue(response, proposer, resume) => {
                let takes = env.plan.execution(env.dice);
                self.ask(Request::Synced(Box::new(response), proposer), takes, env);
                resume.resume_with(())
            }
            Effect::CertRejectedSyncValue(peer, height, error, resume) => {
                env.checker.tally.refused += 1;
                env.trace.add(env.at(), self.index, format_args!("refuses a block {height} from sync: {error}"));
                if let Error::InvalidCommitCertificate(..) = error
                    && let Some(from) = env.roster.peer(&peer)
                {
                    self.sync.blame(from);
                }
                resume.resume_with(())
            }
            Effect::ExtendVote(..) | Effect::VerifyVoteExtension(..) => {
                return Err(Stop::Broken("vote extensions are wanted, which are off".to_owned()));
            }
        })
    }

    /// What the signer does before it records a signature.
    fn flush_before_signing(&mut self, env: &mut Env<'_>) -> Result<(), Stop> {
        if env.plan.syncs_first {
            if env.dies_at(What::LogSync, When::Before, self.height) {
                return Err(Stop::Crash);
            }
            self.flush(env);
            if env.dies_at(What::LogSync, When::After, self.height) {
                return Err(Stop::Crash);
            }
        }
        Ok(())
    }

    fn trace_message(&self, message: &SignedConsensusMsg<EskerContext>, env: &mut Env<'_>) {
        let (at, index) = (env.at(), self.index);
        match message {
            SignedConsensusMsg::Vote(vote) => {
                let value = match vote.value() {
                    NilOrVal::Nil => "nil".to_owned(),
                    NilOrVal::Val(value) => value.to_string(),
                };
                let kind = vote.vote_type();
                env.trace.add(at, index, format_args!("{kind:?} {}/{} {value}", vote.height, vote.round));
            }
            SignedConsensusMsg::Proposal(proposal) => env.trace.add(
                at,
                index,
                format_args!(
                    "proposes {}/{} {} of round {}",
                    proposal.height,
                    proposal.round,
                    proposal.value(),
                    proposal.pol_round
                ),
            ),
        }
    }
}
